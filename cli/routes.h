/* routes: the command that lists the routes of the services. */
#ifndef CLI_ROUTES_H
#define CLI_ROUTES_H

int routes_command(int argc, char **argv);

#endif
