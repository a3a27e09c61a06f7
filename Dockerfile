# The image of Kedge: the services, the command kedge, and nginx. docker-compose.yml
# runs it in one container for each pool of processes; docs/CONTAINERS.md explains it.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get -q update && apt-get -q -y --no-install-recommends install \
	gcc libc6-dev make pkg-config libpq-dev libhiredis-dev libjansson-dev \
	libcurl4-openssl-dev libssl-dev libutf8proc-dev libsystemd-dev libscrypt-dev \
	libqrencode-dev libpng-dev libsodium-dev
WORKDIR /src
COPY . .
RUN make -j"$(nproc)" install DESTDIR=/out PREFIX=/usr BUILD=/tmp/build && \
	find /out/usr/bin /out/usr/lib/kedge -type f -perm /111 -exec strip {} + ; \
	rm -rf /out/usr/share/man && \
	install -D -m 644 kedge.json /out/etc/kedge/kedge.json && \
	mkdir -p /out/etc/kedge/generated /out/etc/kedge/secrets /out/run/credentials

FROM ${BASE}
RUN apt-get -q update && apt-get -q -y --no-install-recommends install \
	ca-certificates libcurl4 libfcgi-bin libhiredis0.14 libjansson4 libpng16-16 libpq5 \
	libqrencode4 libscrypt0 libsodium23 libssl3 libsystemd0 libutf8proc2 nginx-light tzdata && \
	rm -rf /var/lib/apt/lists/* /var/log/* /etc/nginx/sites-enabled /var/www
COPY --from=build /out/ /
# A user for each service: it can read the secrets of that service only.
RUN useradd --system --no-create-home kedge && for file in /usr/lib/kedge/*; do \
	[ -d "$file" ] || useradd --system --no-create-home "kedge-${file##*/}"; done
USER kedge
