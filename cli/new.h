/* new: the command that makes a small front end beside Kedge's services. */
#ifndef CLI_NEW_H
#define CLI_NEW_H

int new_command(int argc, char **argv);

#endif
