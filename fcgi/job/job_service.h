/*
 * job_service: what jobs bring to a service that declares some: the role
 * --worker, `SERVICE jobs`, routes for admins, metrics and variables.  In its
 * struct service_program: .job_library = &job_library, .jobs = its tables.
 */
#ifndef JOB_JOB_SERVICE_H
#define JOB_JOB_SERVICE_H

#include "app/service_main.h"

extern const struct job_library job_library;

#endif
