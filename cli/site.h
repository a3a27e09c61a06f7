/*
 * site: what differs between a stack of "kedge up" and a server: the paths of
 * sockets and files, the addresses of nginx, its user.
 *
 * Everything that is rendered from kedge.json (nginx's configuration,
 * environment files, units) takes these paths from here, so that development
 * and production use the same templates.
 */
#ifndef CLI_SITE_H
#define CLI_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "nginx_binary.h"
#include "spec.h"
#include "stack.h"

struct arena;

/* The directories of a server, which the templates in systemd/ name, too. */
#define SITE_ETC SYSTEM_DIR
#define SITE_GENERATED SITE_ETC "/generated"
#define SITE_SECRETS SYSTEM_SECRETS_DIR
#define SITE_RUN "/run/kedge"
#define SITE_UNITS "/etc/systemd/system"
/* Where certbot and dehydrated put what the issuer of a certificate fetches. */
#define SITE_ACME "/var/lib/kedge/acme"

/* descriptors of an nginx worker for logs, sockets and web files */
enum { SITE_FILES_SPARE = 64 };

struct site {
	struct arena *arena;
	const struct spec *spec;
	const char *templates; /* the directory of nginx/ and systemd/ */
	/*
	 * The directories of web/ and of the services' programs on the machine
	 * that will use the rendered files. When a checkout renders files for a
	 * server, these are the directories of the installed package, not of
	 * the checkout.
	 */
	const char *share;
	const char *lib;
	const struct stack *stack;
	/*
	 * nginx, each pool and each store run in a container of their own, and
	 * find each other by name. The paths are those of a server.
	 */
	bool is_container;
	bool is_server; /* false: a stack of "kedge up" */
	int port; /* of a stack */
	/* connections of each nginx worker; fewer than in kedge.json if the
	 * system allows no more files */
	int64_t connections;
	struct nginx_features nginx;
	/*
	 * For a test of the configuration by nginx: the directory of sockets,
	 * on which it listens instead of TCP ports, and of logs. NULL: none.
	 */
	const char *rehearsal;
};

/* The site of a stack; its paths are relative to the stack's directory. */
struct site site_of_stack(const struct stack *s, int port);
/* The site of a server. */
struct site site_of_server(const struct stack *s);
/* The site of docker-compose.yml; is_server is true, too. */
struct site site_of_containers(const struct stack *s);

enum {
	/* the ports in each container */
	SITE_POOL_PORT = 9000, /* of a pool, for FastCGI */
	SITE_PUBLIC_PORT = 8080, /* of nginx, for clients */
	SITE_INTERNAL_PORT = 8081, /* of nginx, for services */
};

/*
 * Where nginx reaches a pool: "unix:PATH" or "HOST:PORT"; and on what the pool
 * listens.
 */
const char *site_address(const struct site *site,
    const struct spec_service *service, const char *pool);
const char *site_listen(const struct site *site,
    const struct spec_service *service, const char *pool);
/* The URL of the service's Redis. */
const char *
site_redis_url(const struct site *site, const struct spec_service *service);
/*
 * The path of a pool's socket; `pool` is "api" or "verify". A service with an
 * upstream has none.
 */
const char *site_socket(const struct site *site,
    const struct spec_service *service, const char *pool);
/* The socket of nginx's internal listener. */
const char *site_internal(const struct site *site);
/*
 * Where nginx answers for health and metrics, as nginx writes it: "unix:PATH"
 * or "127.0.0.1:PORT".
 */
const char *site_monitoring(const struct site *site);
/*
 * What site_monitoring() returns for a stack, relative to the directory of the
 * stack.
 */
#define SITE_STACK_MONITORING "run/monitoring.sock"
/* The socket of the service's Redis. */
const char *
site_redis(const struct site *site, const struct spec_service *service);
/* The directory of the programs that run the service's jobs. */
const char *site_programs(const struct site *site, const char *service);
/*
 * The directory of the mail templates of this release, and that of the
 * operator's templates.
 */
const char *site_mail_shipped(const struct site *site);
const char *site_mail_templates(const struct site *site);
/* The directory that nginx serves at "/", for a site with one. */
const char *site_web(const struct site *site);
/*
 * The public address without a path: "https://app.example.com". On a server
 * without a name, that of the host itself.
 */
const char *site_url(const struct site *site);

#endif
