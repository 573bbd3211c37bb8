#!/bin/sh
# Stands for the traffic switch: succeeds when every workload is configured.
for workload in web-1 web-2 web-3; do
  grep -q "server_name $workload;" "ansible/$workload.conf" || exit 1
done
echo "traffic moved to web-1, web-2 and web-3"
