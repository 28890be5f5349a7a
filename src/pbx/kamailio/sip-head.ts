/**
 * When the head of a message of a phone has one meaning only, as a condition for a Kamailio script; the registrar's and the
 * edge's use the same. Pure.
 *
 * Kamailio passes on the bytes that it got, and what stands behind it reads them again: what Kamailio takes for the text
 * of one header may be a header of its own there, and no rule about headers has seen it. So it is asked first of all, of
 * requests and of answers, and whoever sends anything else is not heard:
 * - A lone CR ends a line for some (pjsip), a lone LF for others (Kamailio), and where one sees the head's end another
 *   waits, and takes the next phone's message for the rest. NUL ends a text for many, here too: the expression must get as
 *   far as the empty line. RFC 3261 (section 7.3.1) allows no control character in a header but the tab.
 * - A line that begins with a blank goes on with the header before it, or is one. No phone needs that (RFC 3261 only
 *   allows it).
 * - Kamailio reads no further than to a line that it does not understand. Then it counts no header, and does not find what
 *   stands behind that line.
 * - Where a message ends is said once, by a number (sections 18.3 and 20.14): by it the next one begins.
 */
export const sipHeadIsPlain = `($mb =~ "^[^[:cntrl:]]+\\r\\n([-A-Za-z0-9.!%*_+\`'~]+[ \\t]*:([^[:cntrl:]]|\\t)*\\r\\n)+\\r\\n" && $hdrc(Content-Length) == 1 && $hdr(Content-Length) =~ "^[0-9]{1,5}[ \\t]*$")`
