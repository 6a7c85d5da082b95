<?php

echo 'desk';
