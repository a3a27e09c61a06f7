/* logs: the command that shows the logs of a stack; see kedge.8. */
#ifndef CLI_LOGS_H
#define CLI_LOGS_H

int logs_command(int argc, char **argv);

#endif
