/* status: the command that shows the processes of a stack; see kedge.8. */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

int status_command(int argc, char **argv);

#endif
