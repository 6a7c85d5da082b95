#!/bin/sh

install_library () {
  git clone --depth=1 https://git.example.com/$1
  mkdir $1/build
  cd $1/build
  cmake -DCMAKE_BUILD_TYPE=$2 ..
  make install -j $(nproc)
  cd ../..
}

install_library web $1
install_library database $1
