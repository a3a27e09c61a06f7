/*
 * service_application: the interface through which the FastCGI server calls a
 * service (fastcgi/application.h).
 */
#ifndef WEB_SERVICE_APPLICATION_H
#define WEB_SERVICE_APPLICATION_H

#include "fastcgi/application.h"

struct service;

/* `s` must stay valid as long as the application is used. */
struct application service_application(const struct service *s);

#endif
