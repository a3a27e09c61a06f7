/*
 * service_application: a service as the FastCGI server sees it
 * (fastcgi/application.h).
 */
#ifndef WEB_SERVICE_APPLICATION_H
#define WEB_SERVICE_APPLICATION_H

#include "fastcgi/application.h"

struct service;

/* `s` must stay as long as the application is used. */
struct application service_application(const struct service *s);

#endif
