/*
 * restore: the command `kedge restore`: checks a backup by restoring it into
 * scratch databases, or puts it in the place of the services' databases.
 *
 * A restore loads and compares all databases beside the present ones first.
 * Then each present database is renamed, not deleted.
 */
#ifndef CLI_RESTORE_H
#define CLI_RESTORE_H

int restore_command(int argc, char **argv);

#endif
