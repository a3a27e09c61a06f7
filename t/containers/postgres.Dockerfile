# A stand-in for the official image "postgres", where no registry can be reached: what
# docker-compose.yml uses of it.
FROM debian:bookworm-slim
RUN apt-get -q update && apt-get -q -y --no-install-recommends install postgresql && \
	rm -rf /var/lib/apt/lists/* /var/lib/postgresql/15 && \
	install -d -o postgres -g postgres /var/lib/postgresql/data /var/run/postgresql
ENV PATH=/usr/lib/postgresql/15/bin:/usr/bin:/bin PGDATA=/var/lib/postgresql/data LANG=C.UTF-8
COPY postgres.entrypoint /usr/local/bin/docker-entrypoint.sh
ENTRYPOINT ["/usr/local/bin/docker-entrypoint.sh"]
CMD ["postgres"]
