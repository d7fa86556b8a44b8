"""A lab of failures: everything that can stop a mail program from sending and that one machine can show.

network       a machine with a mail program, and behind it an Internet with addresses of its own
firewall      what lies between the two: drops, rejections, other servers that answer
names         the name server of each case
certificates  good ones, and each kind of bad one
script        what a server says and does at each step of a conversation
service       the servers that follow such a script, and those of other protocols
mechanisms    the server's half of each way to log in
middle        boxes that change what passes through them
web           what a domain publishes about its settings
mailbox       what happens to the test mail
case          one failure: its servers, its names, its firewall, what is asked of the checker, and the true cause
rows_*        the cases, by the parts of the failure table
absent        the rows that one machine can't show, and why
lab           builds them, and runs the checker in all of them
confusion     the table of true and found causes
"""
