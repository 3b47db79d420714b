#!/bin/sh
mkdir -p /var/lib/database
