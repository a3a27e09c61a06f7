/* adopt: the command "kedge adopt", for the database of a BetterAuth server. */
#ifndef CLI_ADOPT_H
#define CLI_ADOPT_H

int adopt_command(int argc, char **argv);

#endif
