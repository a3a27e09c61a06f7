/* up: starts a stack and stays with it; see kedge.8. */
#ifndef CLI_UP_H
#define CLI_UP_H

int up_command(int argc, char **argv);

#endif
