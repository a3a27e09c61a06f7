#include "doctor.h"

#include "base/arena.h"
#include "base/attr.h"

#include "disk.h"
#include "postgres.h"

/* Where much is written. Where one is not there, nothing is written. */
enum { PLACES_MAX = 5 };

struct places {
	const char *paths[PLACES_MAX]; /* NULL: not used here */
	const char *what[PLACES_MAX];
};

static struct places
places_of(struct doctor *d)
{
	const char *cluster;

	if (d->site.is_server)
		return (struct places){
			{ "/var/lib/postgresql", "/var/log",
			    d->site.spec->log.directory,
			    "/var/lib/kedge/backups", "/" },
			{ "the databases", "the logs", "the services' logs",
			    "the backups", "the system" },
		};
	cluster = postgres_linked_dir(d->arena);
	return (struct places){
		{ cluster != NULL ? cluster : "pg", "log", "backups", "." },
		{ "the databases", "the logs", "the backups", "the stack" },
	};
}

/*
 * With a full disk PostgreSQL refuses to write, and so do all services. A file
 * system is reported once.
 */
void
doctor_disk(struct doctor *d)
{
	const struct places p = places_of(d);
	struct disk disks[PLACES_MAX];
	size_t n = 0, i, k;

	for (i = 0; i < PLACES_MAX; i++) {
		if (p.paths[i] == NULL || !disk_read(p.paths[i], &disks[n]))
			continue;
		for (k = 0; k < n && disks[k].id != disks[n].id; k++)
			;
		if (k < n)
			continue;
		n++;
		if (disks[k].is_low)
			doctor_add(d, SEVERITY_ERROR,
			    "delete what is not needed (old backups, logs), or "
			    "make the disk larger; \"df -h\" shows it",
			    "the disk of %s (%s) is nearly full: %lld MiB "
			    "(%lld %%) are free",
			    p.what[i], p.paths[i], (long long)disks[k].free_mib,
			    (long long)disks[k].free_percent);
	}
}
