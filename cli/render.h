/* render: the command "kedge render". */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

int render_command(int argc, char **argv);

#endif
