/*
 * upgrade: the command `kedge upgrade --check`, which says what this release
 * will do to the databases and settings of the present one. It changes nothing.
 *
 * The pending migrations are run on an empty copy of each database, to see
 * which locks they take. A lock on a table makes others wait for as long as the
 * statement takes, which depends on the size of the real table; so that is
 * shown, too.
 */
#ifndef CLI_UPGRADE_H
#define CLI_UPGRADE_H

int upgrade_command(int argc, char **argv);

#endif
