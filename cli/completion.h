/* completion: the command that prints the completion script of a shell. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

int completion_command(int argc, char **argv);

#endif
