# One image, two roles: the server (default, no privileges) and the hub (`hub`, see compose.yaml).
FROM node:24-bookworm-slim AS dependencies
WORKDIR /opt/ringfence
COPY package.json package-lock.json ./
# The base image brings Node itself, so the carried one (an optional dependency) stays out; no package needs a script.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends iproute2 nftables wireguard-go wireguard-tools \
    && rm -rf /var/lib/apt/lists/* \
    # Ownership that named volumes take over when they are first filled: each role sees its own data only, and the
    # server, by its group, reaches the hub's socket.
    && install -d -o node -g node -m 0700 /var/lib/ringfence \
    && install -d -o root -g root -m 0700 /var/lib/ringfence-hub \
    && install -d -o root -g node -m 0750 /run/ringfence
WORKDIR /opt/ringfence
COPY --from=dependencies /opt/ringfence/node_modules ./node_modules
COPY package.json ringfence LICENSE ./
COPY src ./src
COPY templates ./templates
# The console shows them as guides.
COPY docs ./docs
ENV NODE_ENV=production \
    PATH=/opt/ringfence:$PATH \
    RINGFENCE_DATA=/var/lib/ringfence
# Uid 1000 of the base image.
USER node
VOLUME /var/lib/ringfence
# 8080 console (publish it to loopback only), 8443 phone door; the hub's 51820/udp is published by its own service.
EXPOSE 8080 8443
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/opt/ringfence/ringfence"]
CMD ["serve"]
