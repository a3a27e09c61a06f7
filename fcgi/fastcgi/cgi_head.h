/* cgi_head: the head of an answer as CGI has it (RFC 3875 section 6). */
#ifndef FASTCGI_CGI_HEAD_H
#define FASTCGI_CGI_HEAD_H

struct buf;
struct response;

/* Status, headers, Content-Type and -Length, and the empty line. */
void cgi_head_write(struct buf *b, const struct response *p);

#endif
