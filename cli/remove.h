/* remove: the command "remove", which undoes what "add service" has made. */
#ifndef CLI_REMOVE_H
#define CLI_REMOVE_H

int remove_command(int argc, char **argv);

#endif
