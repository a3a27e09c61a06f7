/*
 * backup: the command `kedge backup`: a dump of each service's database, in a
 * directory of its own with a manifest and, if there is a key for it, the
 * encrypted secrets.
 *
 * The directory gets its name when it is complete. So an interrupted backup is
 * never taken for a complete one; the next backup removes its files.
 */
#ifndef CLI_BACKUP_H
#define CLI_BACKUP_H

int backup_command(int argc, char **argv);

#endif
