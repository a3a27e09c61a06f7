/* psql: the command that opens a service's database with psql(1). */
#ifndef CLI_PSQL_H
#define CLI_PSQL_H

int psql_command(int argc, char **argv);

#endif
