/*
 * apply: sets up the services of this host as /etc/kedge/kedge.json says:
 * users, secrets, the PostgreSQL cluster with its databases, files, units.
 *
 * systemd/apply.sh does the steps that are calls of other programs. For the
 * other steps it calls `kedge apply STEP`:
 *
 *   services   prints what the script must know: the line "connections N", and
 *              for each service a line "service NAME VARIABLE NEED..." with the
 *              words postgres, redis, verify and worker
 *   secrets    writes each secret that a service needs and does not have
 *   set NAME VALUE
 *              replaces a member at the top of kedge.json by a JSON value, or
 *              adds it; the rest of the file stays as it is
 *   databases  makes the databases and roles that are missing, as the role
 *              postgres of the server that PGHOST and PGPORT name
 *
 * The script makes a PostgreSQL cluster for Kedge alone, without a TCP port.
 * PostgreSQL authenticates a service by its operating system user (peer
 * authentication with a map), so there is no password. A service that has a
 * DATABASE_URL already keeps it.
 */
#ifndef CLI_APPLY_H
#define CLI_APPLY_H

int apply_command(int argc, char **argv);
/* Gives the host a name and a certificate: systemd/domain.sh. */
int domain_command(int argc, char **argv);

#endif
