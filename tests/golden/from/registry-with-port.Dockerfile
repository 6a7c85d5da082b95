FROM registry.example:5000/team/app:1.2-rc.1
