/*
 * migrate_cli: the command "kedge migrate": runs the missing migrations of all
 * services or of one, or says which there are.
 */
#ifndef CLI_MIGRATE_CLI_H
#define CLI_MIGRATE_CLI_H

int migrate_command(int argc, char **argv);

#endif
