; The disk image: MBR, an empty track, and a FAT16 volume with the files that build.sh lists in files.inc. Nothing stands behind the last file;
; who opens the image adds zeros up to the size that the partition table tells.
;
; files.inc holds one line for each file, in the order of the directory: FILE "KERNEL  BIN", "path", bytes

%include "layout.inc"
%include "disk.inc"

%define CLUSTER (SECTORS_PER_CLUSTER * 512)
%define DATE ((2026 - 1980) << 9 | 1 << 5 | 1)

    incbin "mbr.bin"
    times PARTITION_START * 512 - ($ - $$) db 0

volume:
    incbin "boot.bin"
    incbin "loader.bin"
    times RESERVED_SECTORS * 512 - ($ - volume) db 0

; A file allocation table has an entry for each cluster: the number of the file's next one, or FFFFh at its end. Cluster numbers start at 2; entry 0
; repeats the media byte, entry 1 is an end mark. Our files lie one behind the other, so each entry is its own number plus one until the file ends.
%macro FILE 3
    %assign left (%3 + CLUSTER - 1) / CLUSTER
    %rep left
        %assign cluster cluster + 1
        %assign left left - 1
        %if left == 0
            dw 0xFFFF
        %else
            dw cluster
        %endif
    %endrep
%endmacro

%macro ALLOCATION_TABLE 0
%%table:
    %assign cluster 2
    dw 0xFFF8, 0xFFFF
    %include "files.inc"
    times SECTORS_PER_FAT * 512 - ($ - %%table) db 0
%endmacro

    ALLOCATION_TABLE
    ALLOCATION_TABLE

; The root directory: 32 bytes an entry. The first one gives the volume its name.
%unmacro FILE 3
%macro FILE 3
    db %1, 0x20                         ; name padded with blanks, extension without its dot; attribute "archive"
    times 10 db 0
    dw 0, DATE, cluster
    dd %3
    %assign cluster cluster + (%3 + CLUSTER - 1) / CLUSTER
%endmacro

directory:
    db "DEMO DISK  ", 0x08
    times 10 db 0
    dw 0, DATE, 0
    dd 0
%assign cluster 2
%include "files.inc"
    times ROOT_ENTRIES * 32 - ($ - directory) db 0

; The files, each from the start of a cluster.
%unmacro FILE 3
%macro FILE 3
    times (CLUSTER - ($ - files) % CLUSTER) % CLUSTER db 0
    incbin %2
%endmacro

section .files follows=.text align=1
files:
%include "files.inc"
    times (512 - ($ - files) % 512) % 512 db 0
