/* user: people, as auth knows them; see kedge.8. */
#ifndef CLI_USER_H
#define CLI_USER_H

int user_command(int argc, char **argv);

#endif
