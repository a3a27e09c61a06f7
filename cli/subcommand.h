/*
 * subcommand: commands of kedge that a service's binary implements. The binary
 * runs with the environment that "up" has written, on a stack that is running.
 */
#ifndef CLI_SUBCOMMAND_H
#define CLI_SUBCOMMAND_H

/* the command "kedge user ...", which auth implements */
int user_command(int argc, char **argv);
/* the command "kedge jobs SERVICE ...", for any service that has jobs */
int jobs_command(int argc, char **argv);

#endif
