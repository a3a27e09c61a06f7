/* destroy: the command that stops a stack and deletes its data. */
#ifndef CLI_DESTROY_H
#define CLI_DESTROY_H

int destroy_command(int argc, char **argv);

#endif
