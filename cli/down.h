/* down: the command that stops a stack; see kedge.8. */
#ifndef CLI_DOWN_H
#define CLI_DOWN_H

int down_command(int argc, char **argv);

#endif
