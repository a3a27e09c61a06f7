/* link_routes: the HTTP routes for a user's links. */
#ifndef LINKS_LINK_ROUTES_H
#define LINKS_LINK_ROUTES_H

#include "web/service.h"

extern const struct route link_routes[];

/* create_record of the program: the user's first contact with links. */
enum err link_owner_create(struct req *r);

#endif
