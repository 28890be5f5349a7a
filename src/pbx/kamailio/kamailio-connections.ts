/**
 * How a Kamailio of ours, registrar or edge, holds its connections; as text for its script. Pure.
 *
 * In front of the modules.
 */
export const kamailioConnections = `# One reader for all connections. With OpenSSL 3 the processes of a Kamailio before 5.8 share one list of OpenSSL's errors
# (kamailio issue 3695): a refused certificate in one reader ended other phones' connections in another.
tcp_children = 1
enable_tls = yes
tcp_accept_no_cl = yes
# Whoever says nothing that counts is gone soon, so that nobody fills the memory with idle connections; for a phone that is
# known the routes put the end off. TLS has a parameter of its own.
tcp_connection_lifetime = 20
auto_aliases = no
`

/** Behind the modules. */
export const kamailioConnectionParameters = `modparam("tls", "connection_timeout", 20)
modparam("tcpops", "closed_event", 1)
modparam("jsonrpcs", "transport", 1)
modparam("jsonrpcs", "pretty_format", 0)
`
