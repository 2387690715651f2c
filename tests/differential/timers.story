# SPDX-License-Identifier: MIT
# Timers: what is sent again, and when.

story (opened)
listen
< S
< A
accept

# A round trip of 40 ms, so that the timers that follow it are beyond the ticks of a kernel.
story (opened with SACK)
listen
< S sackok
wait 40
< A
accept

story data are sent again
use (opened)
send 100
wait 7000
< A
send 100
wait 1000

story data are sent again, with SACK
use (opened with SACK)
send 100
wait 7000
< A

story the time-out after a round trip of 60 ms
listen
< S
wait 60
< A
accept
send 100
wait 1600

story three segments are lost
use (opened)
send 3000
wait 2000
< A

story three segments are lost, with SACK
use (opened with SACK)
send 3000
wait 500
< A

story the first of five is lost, without SACK
use (opened)
send 5000
< A ack=1
< A ack=1
< A ack=1
< A ack=1
wait 20
< A

story the first of five is lost, with SACK
use (opened with SACK)
send 5000
wait 10
< A ack=1 sack=1001-2001
wait 10
< A ack=1 sack=1001-3001
wait 10
< A ack=1 sack=1001-4001
wait 10
< A ack=1 sack=1001-5001
wait 20
< A

story the last of three is lost, with SACK
use (opened with SACK)
send 3000
wait 10
< A ack=2001
wait 600
< A

story one duplicate ACK
use (opened)
send 3000
< A ack=1
wait 20
< A

story two duplicate ACKs let new data go
use (opened)
send 14000
< A ack=1
< A ack=1
wait 20
< A

story the time-out, then the ACK of all
use (opened)
send 5000
wait 300
< A
wait 20

story the time-out, then the ACK of a part
use (opened)
send 5000
wait 300
< A ack=1001
wait 20
< A ack=3001
wait 20
< A

story keepalive
use (opened)
option keepidle 1
option keepintvl 1
option keepcnt 3
option keepalive 1
wait 1200
< A
wait 6000
state
error

story keepalive, the peer has forgotten
use (opened)
option keepidle 1
option keepalive 1
wait 1200
< R seq=1
state
error

story user timeout
use (opened)
option usertimeout 1500
send 100
wait 5000
state
error

story a window that stays closed, probes are answered
use (opened)
send 100
< A wnd=0
send 100
wait 250
< A wnd=0
wait 450
< A wnd=0
wait 1000
< A wnd=0
wait 2000
< A wnd=1000
wait 20
< A

story FIN waits for a closed window
use (opened)
< A wnd=0
send 100
close
wait 1000
< A wnd=1000
wait 20
< A
state

story FIN alone and a closed window
use (opened)
< A wnd=0
close
wait 1000
state
< A wnd=0
state

story SYN lost, then answered: the first window
connect
wait 1200
< SA
send 5000
wait 20
< A
