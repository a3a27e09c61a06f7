# A stand-in for the official image "redis".
FROM debian:bookworm-slim
RUN apt-get -q update && apt-get -q -y --no-install-recommends install redis-server && \
	rm -rf /var/lib/apt/lists/*
USER redis
WORKDIR /var/lib/redis
CMD ["redis-server"]
