/*
 * subcommand: commands that a service's binary implements.  It runs with the
 * environment that "up" has written, on a stack that is running.
 */
#ifndef CLI_SUBCOMMAND_H
#define CLI_SUBCOMMAND_H

/* kedge user ...: auth's command */
int user_command(int argc, char **argv);
/* kedge jobs SERVICE ...: for any service that has jobs */
int jobs_command(int argc, char **argv);

#endif
