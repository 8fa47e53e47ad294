using System.Buffers.Binary;
using Emulator.Core.Cpu;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>Memory in INT 15h: maps and sizes (E820h, E801h, 88h), the A20 line (24h), block move (87h), the way to protected mode (89h).</summary>
internal sealed class MemoryServices
{
    private const uint MapSignature = 0x534D4150; // SMAP
    private const int EntrySize = 20;
    private const int MostMoved = 0x8000;
    private const uint OneMebibyte = 1 << 20;
    private const uint SixteenMebibytes = 16 << 20;

    private readonly PcMachine _machine;
    private readonly (ulong Start, ulong Length, uint Type)[] _map;
    private readonly byte[] _buffer = new byte[MostMoved * 2];

    public MemoryServices(PcMachine machine)
    {
        const uint Usable = 1;
        const uint Reserved = 2;
        _machine = machine;
        _map =
        [
            (0, BiosData.Extended, Usable),
            (BiosData.Extended, BiosData.ExtendedLength, Reserved),
            (0xE0000, 0x20000, Reserved),
            (OneMebibyte, machine.Memory.RamSize - OneMebibyte, Usable),
            (0xFFFF0000, 0x10000, Reserved),
        ];
        if (machine.Memory.RamSize == OneMebibyte)
        {
            _map = [.. _map.Where(e => e.Length != 0)];
        }
    }

    /// <summary>Function E820h of INT 15h.</summary>
    public void WriteMapEntry(ref BiosCall call)
    {
        uint buffer = call.Linear(SegmentIndex.Es, call.Di);
        if (call.Edx != MapSignature || call.Ebx >= _map.Length || call.Ecx < EntrySize)
        {
            call.Ah = 0x86;
            call.Carry = true;
            return;
        }

        if (!call.Check(buffer, EntrySize, write: true))
        {
            return;
        }

        (ulong start, ulong length, uint type) = _map[call.Ebx];
        Span<byte> entry = stackalloc byte[EntrySize];
        BinaryPrimitives.WriteUInt64LittleEndian(entry, start);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], length);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], type);
        call.WriteBytes(buffer, entry);
        call.Ebx = call.Ebx + 1 == _map.Length ? 0 : call.Ebx + 1;
        call.Eax = MapSignature;
        call.Ecx = EntrySize;
        call.Carry = false;
    }

    /// <summary>Function E801h: KiB between 1 and 16 MiB, blocks of 64 KiB above.</summary>
    public void GetSizes(ref BiosCall call)
    {
        uint size = _machine.Memory.RamSize;
        call.Ax = call.Cx = (ushort)((Math.Min(size, SixteenMebibytes) - OneMebibyte) >> 10);
        call.Bx = call.Dx = (ushort)((Math.Max(size, SixteenMebibytes) - SixteenMebibytes) >> 16);
        call.Carry = false;
    }

    /// <summary>Function 88h: KiB above 1 MiB, as far as 16 bits and old software go.</summary>
    public void GetExtendedSize(ref BiosCall call)
    {
        call.Ax = (ushort)Math.Min((_machine.Memory.RamSize - OneMebibyte) >> 10, 0xFC00);
        call.Carry = false;
    }

    /// <summary>Function 24h.</summary>
    public void ControlA20(ref BiosCall call)
    {
        const ushort PortA = 0x92;
        const byte Gate = 0x02;
        const byte FastReset = 0x01;
        byte port = (byte)(_machine.BiosPorts.Read(PortA, 1) & ~FastReset);
        switch (call.Al)
        {
            case 0x00 or 0x01:
                _machine.BiosPorts.Write(PortA, 1, (byte)(call.Al == 0 ? port & ~Gate : port | Gate));
                break;
            case 0x02:
                call.Al = (byte)((port & Gate) >> 1);
                call.Cx = 0;
                break;
            case 0x03:
                call.Bx = 3; // keyboard controller and port 92h
                break;
            default:
                call.Ah = 0x86;
                call.Carry = true;
                return;
        }

        call.Ah = 0;
        call.Carry = false;
    }

    /// <summary>Function 87h: moves CX words between the addresses that two descriptors name, whatever A20 says. In virtual-8086 mode physical
    /// addresses are not the caller's to use: a monitor that grants them takes the call itself.</summary>
    public void MoveBlock(ref BiosCall call)
    {
        const uint Source = 0x10;
        const uint Destination = 0x18;
        const byte GateFailed = 0x03;
        const byte BadCount = 0x02;
        uint table = call.Linear(SegmentIndex.Es, call.Si);
        Span<byte> descriptors = stackalloc byte[16];
        call.ReadBytes(table + Source, descriptors);
        if (call.Faulted)
        {
            return;
        }

        if (call.IsV86 || call.Cx > MostMoved)
        {
            call.Ah = call.IsV86 ? GateFailed : BadCount;
            call.Carry = true;
            return;
        }

        Span<byte> bytes = _buffer.AsSpan(0, call.Cx * 2);
        _machine.Memory.ReadBlock(Base(descriptors), bytes);
        _machine.Memory.WriteBlock(Base(descriptors[(int)(Destination - Source)..]), bytes);
        call.Ah = 0;
        call.Carry = false;
    }

    /// <summary>What is left to the host of function 89h: BH and BL are the vectors of the two interrupt controllers, which are masked; A20 passes.</summary>
    public void PrepareProtectedMode(ref BiosCall call)
    {
        _machine.BiosPorts.Write(0x92, 1, (_machine.BiosPorts.Read(0x92, 1) | 2) & 0xFE);
        SetVectors(0x20, call.Bh, 4);
        SetVectors(0xA0, call.Bl, 2);
    }

    private static uint Base(ReadOnlySpan<byte> descriptor) =>
        (uint)(descriptor[2] | (descriptor[3] << 8) | (descriptor[4] << 16) | (descriptor[7] << 24));

    private void SetVectors(ushort port, byte vector, byte cascade)
    {
        _machine.BiosPorts.Write(port, 1, 0x11);
        _machine.BiosPorts.Write((ushort)(port + 1), 1, vector);
        _machine.BiosPorts.Write((ushort)(port + 1), 1, cascade);
        _machine.BiosPorts.Write((ushort)(port + 1), 1, 0x01);
        _machine.BiosPorts.Write((ushort)(port + 1), 1, 0xFF);
    }
}
