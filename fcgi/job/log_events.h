/*
 * log_events: the log events of background jobs, schedules and webhooks.
 * docs/LOGS.md explains each event.
 */
#ifndef JOB_LOG_EVENTS_H
#define JOB_LOG_EVENTS_H

#include "base/log.h"

#define EVENT_JOB_WORKER_STARTED LOG_EVENT("job worker started")
#define EVENT_JOB_WORKER_REGISTRATION_LOST LOG_EVENT("worker registration lost")
#define EVENT_JOB_ATTEMPT_FAILED LOG_EVENT("job attempt failed")
#define EVENT_JOB_DISCARDED LOG_EVENT("job discarded")
#define EVENT_JOB_TIME_LIMIT_EXCEEDED LOG_EVENT("job time limit exceeded")
#define EVENT_JOB_DRAIN_DEADLINE LOG_EVENT("job ended by drain deadline")
#define EVENT_JOB_RESULT_NOT_STORED LOG_EVENT("job result cannot be stored")
#define EVENT_JOBS_RELEASED LOG_EVENT("claimed jobs released")
#define EVENT_JOBS_RECLAIMED_SILENT \
	LOG_EVENT("jobs of silent workers reclaimed")
#define EVENT_JOBS_RECLAIMED_DEAD LOG_EVENT("jobs of dead worker reclaimed")
#define EVENT_JOB_BATCH_COMMIT_FAILED \
	LOG_EVENT("batch commit failed, retrying jobs one by one")
#define EVENT_JOB_COUNTERS_FULL LOG_EVENT("no counter left for job kind")
#define EVENT_HEARTBEAT_DESCRIPTORS_FAILED \
	LOG_EVENT("cannot open descriptors of heartbeat thread")
#define EVENT_JOB_DECLARATION_INVALID LOG_EVENT("invalid job declaration")
#define EVENT_SCHEDULE_NOT_DECLARED LOG_EVENT("cannot declare schedule")
#define EVENT_SCHEDULE_FIRED LOG_EVENT("schedule fired")
#define EVENT_PROGRAM_START_FAILED LOG_EVENT("cannot start job program")
#define EVENT_PROGRAM_STDERR LOG_EVENT("job program wrote to stderr")
#define EVENT_PROGRAM_LINE_UNKNOWN LOG_EVENT("unknown line from job program")
#define EVENT_WEBHOOK_DISABLED LOG_EVENT("webhook endpoint disabled")

#endif
