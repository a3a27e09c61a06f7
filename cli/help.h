/*
 * help: prints the texts of cli/help, one for each command. They are files, so
 * that the script ./kedge can print them before anything is built.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

/*
 * Prints the help of a command to standard output; NULL: the list of all
 * commands. Returns the exit status: 1 if the text cannot be read.
 */
int help_print(const char *command);

#endif
