/* add: the commands "add" and "remove", which scaffold services. */
#ifndef CLI_ADD_H
#define CLI_ADD_H

int add_command(int argc, char **argv);

#endif
