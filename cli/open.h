/* open: the command that opens the running stack's page in a browser. */
#ifndef CLI_OPEN_H
#define CLI_OPEN_H

int open_command(int argc, char **argv);

#endif
