/*
 * subcommand: commands that are the services' own.  The service's binary runs
 * with the environment that "up" wrote for it, on the stack that runs.
 */
#ifndef CLI_SUBCOMMAND_H
#define CLI_SUBCOMMAND_H

/* auth's: kedge user ... */
int user_command(int argc, char **argv);
/* Of any service that has jobs: kedge jobs SERVICE ... */
int jobs_command(int argc, char **argv);

#endif
