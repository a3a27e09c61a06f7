/* config: the command that shows and changes the variables of a stack. */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

int config_command(int argc, char **argv);

#endif
