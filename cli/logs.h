/* logs: what the processes of a stack wrote; see kedge.8. */
#ifndef CLI_LOGS_H
#define CLI_LOGS_H

int logs_command(int argc, char **argv);

#endif
