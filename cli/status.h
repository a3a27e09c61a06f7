/* status: what runs in a stack's directory; see kedge.8. */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

int status_command(int argc, char **argv);

#endif
