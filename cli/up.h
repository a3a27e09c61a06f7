/* up: the command that starts a stack and supervises it; see kedge.8. */
#ifndef CLI_UP_H
#define CLI_UP_H

int up_command(int argc, char **argv);

#endif
