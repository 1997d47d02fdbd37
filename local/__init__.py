"""The local stack: runs what ``template.yaml`` declares on one machine. Never deployed."""
