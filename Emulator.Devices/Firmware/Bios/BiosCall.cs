using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Emulator.Core.Cpu;
using Emulator.Core.Memory;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>
/// One call of a firmware service: the guest's registers, the flags that it returns, and guest memory as the caller sees it (segment base plus
/// offset, paging, A20), in real, virtual-8086 and protected mode. A page fault marks the call as failed; the guest gets the fault and calls
/// again afterwards, so a service checks its buffers before it changes anything.
/// </summary>
internal unsafe ref struct BiosCall
{
    private readonly CpuState* _s;
    private readonly uint _service;
    private readonly BiosPorts? _record;
    private uint _frameFlags;
    private bool _hasFrame;

    /// <summary>Begins a call.</summary>
    /// <param name="s">The state; EIP is behind the service instruction.</param>
    /// <param name="service">Service number.</param>
    /// <param name="ports">Records the call if it is one that is recorded.</param>
    public BiosCall(CpuState* s, int service, BiosPorts ports)
    {
        _s = s;
        _record = ports.IsRecording ? ports : null;
        _service = (uint)service;
        IsRetry = LazyFlags.CF(s);
        LazyFlags.SetCF(s, false);
    }

    /// <summary>Whether an access has failed with a page fault: the service must return at once.</summary>
    public bool Faulted { get; private set; }

    /// <summary>Whether the stub calls again after <see cref="Wait"/>; only services behind an INT can tell.</summary>
    public bool IsRetry { get; }

    /// <summary>Service number.</summary>
    public readonly int Service => (int)_service;

    public readonly ref uint Eax => ref CpuState.R32(_s, 0);

    public readonly ref uint Ecx => ref CpuState.R32(_s, 1);

    public readonly ref uint Edx => ref CpuState.R32(_s, 2);

    public readonly ref uint Ebx => ref CpuState.R32(_s, 3);

    public readonly ref uint Esp => ref CpuState.R32(_s, 4);

    public readonly ref uint Ebp => ref CpuState.R32(_s, 5);

    public readonly ref uint Esi => ref CpuState.R32(_s, 6);

    public readonly ref uint Edi => ref CpuState.R32(_s, 7);

    public readonly ref ushort Ax => ref Word(0);

    public readonly ref ushort Cx => ref Word(1);

    public readonly ref ushort Dx => ref Word(2);

    public readonly ref ushort Bx => ref Word(3);

    public readonly ref ushort Bp => ref Word(5);

    public readonly ref ushort Si => ref Word(6);

    public readonly ref ushort Di => ref Word(7);

    public readonly ref byte Al => ref Low(0);

    public readonly ref byte Ah => ref High(0);

    public readonly ref byte Cl => ref Low(1);

    public readonly ref byte Ch => ref High(1);

    public readonly ref byte Dl => ref Low(2);

    public readonly ref byte Dh => ref High(2);

    public readonly ref byte Bl => ref Low(3);

    public readonly ref byte Bh => ref High(3);

    /// <summary>DS.</summary>
    public readonly ushort Ds => CpuState.Segment(_s, SegmentIndex.Ds)->Selector;

    /// <summary>ES; in real and virtual-8086 mode it can be set.</summary>
    public readonly ushort Es
    {
        get => CpuState.Segment(_s, SegmentIndex.Es)->Selector;
        set => SetSegment(SegmentIndex.Es, value);
    }

    /// <summary>The state, for services that change the CPU's mode.</summary>
    public readonly CpuState* State => _s;

    /// <summary>Whether the caller is in protected mode proper: no frame, flags are live.</summary>
    public readonly bool IsProtected => !CpuMode.HasRealSegments(_s);

    /// <summary>Whether the caller is in virtual-8086 mode.</summary>
    public readonly bool IsV86 => CpuMode.IsV86(_s);

    /// <summary>CF as the caller will see it: on the frame of its INT, or in EFLAGS.</summary>
    public bool Carry
    {
        get => Flag(Eflags.CF);
        set => SetFlag(Eflags.CF, value);
    }

    /// <summary>ZF as the caller will see it.</summary>
    public bool Zero
    {
        get => Flag(Eflags.ZF);
        set => SetFlag(Eflags.ZF, value);
    }

    /// <summary>Whether the caller had interrupts enabled.</summary>
    public bool CallerInterrupts => Flag(Eflags.IF);

    /// <summary>
    /// Finds the frame (IP, CS, FLAGS) that INT left on the stack, and checks it together with the BIOS data areas; false with the fault
    /// recorded.
    /// </summary>
    public bool Begin(bool hasFrame)
    {
        _hasFrame = hasFrame;
        if (hasFrame)
        {
            _frameFlags = CpuState.Segment(_s, SegmentIndex.Ss)->Base + ((Esp + 4) & 0xFFFF);
            Check(_frameFlags, 2, write: true);
        }

        return Check(BiosData.Start, BiosData.Length, write: true) && Check(BiosData.Extended, BiosData.ExtendedLength, write: true);
    }

    /// <summary>Linear address of an offset in a segment.</summary>
    /// <param name="segment">A <see cref="SegmentIndex"/> value.</param>
    /// <param name="offset">The offset; 16 bits of it count in real and virtual-8086 mode.</param>
    public readonly uint Linear(int segment, uint offset) => CpuState.Segment(_s, segment)->Base + (IsProtected ? offset : offset & 0xFFFF);

    /// <summary>Linear address of a real-mode far pointer.</summary>
    public static uint Linear(ushort segment, ushort offset) => ((uint)segment << 4) + offset;

    /// <summary>Checks that a range can be accessed; false marks the call as failed: return at once.</summary>
    /// <param name="linear">Linear address.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="write">Whether it is to be written.</param>
    public bool Check(uint linear, uint length, bool write)
    {
        if (!Faulted && !IsReplayed(BiosOperation.Check, out _))
        {
            Done(BiosOperation.Check, 0, Mmu.CheckRange(_s, linear, length, write ? AccessKind.Write : AccessKind.Read));
        }

        return !Faulted;
    }

    // Each width by itself: generics over primitive types would be compiled at the start of each process.
    public byte Read8(uint linear)
    {
        if (IsReplayed(BiosOperation.Read, out ulong known))
        {
            return (byte)known;
        }

        bool done = Mmu.Read(_s, linear, out byte value);
        Done(BiosOperation.Read, value, done);
        return value;
    }

    public ushort Read16(uint linear)
    {
        if (IsReplayed(BiosOperation.Read, out ulong known))
        {
            return (ushort)known;
        }

        bool done = Mmu.Read(_s, linear, out ushort value);
        Done(BiosOperation.Read, value, done);
        return value;
    }

    public uint Read32(uint linear)
    {
        if (IsReplayed(BiosOperation.Read, out ulong known))
        {
            return (uint)known;
        }

        bool done = Mmu.Read(_s, linear, out uint value);
        Done(BiosOperation.Read, value, done);
        return value;
    }

    public ulong Read64(uint linear)
    {
        if (IsReplayed(BiosOperation.Read, out ulong known))
        {
            return known;
        }

        bool done = Mmu.Read(_s, linear, out ulong value);
        Done(BiosOperation.Read, value, done);
        return value;
    }

    public void Write8(uint linear, byte value)
    {
        if (!IsReplayed(BiosOperation.Write, out _))
        {
            Done(BiosOperation.Write, 0, Mmu.Write(_s, linear, value));
        }
    }

    public void Write16(uint linear, ushort value)
    {
        if (!IsReplayed(BiosOperation.Write, out _))
        {
            Done(BiosOperation.Write, 0, Mmu.Write(_s, linear, value));
        }
    }

    public void Write32(uint linear, uint value)
    {
        if (!IsReplayed(BiosOperation.Write, out _))
        {
            Done(BiosOperation.Write, 0, Mmu.Write(_s, linear, value));
        }
    }

    public void Write64(uint linear, ulong value)
    {
        if (!IsReplayed(BiosOperation.Write, out _))
        {
            Done(BiosOperation.Write, 0, Mmu.Write(_s, linear, value));
        }
    }

    /// <summary>Reads a range.</summary>
    public void ReadBytes(uint linear, scoped Span<byte> destination)
    {
        if (_record is null)
        {
            Faulted |= !Mmu.ReadRange(_s, linear, destination);
            return;
        }

        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        for (int at = 0; at < destination.Length; at += sizeof(ulong))
        {
            Span<byte> part = destination.Slice(at, Math.Min(sizeof(ulong), destination.Length - at));
            bytes.Clear();
            if (!IsReplayed(BiosOperation.Read, out ulong value))
            {
                bool done = Mmu.ReadRange(_s, linear + (uint)at, bytes[..part.Length]);
                value = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
                Done(BiosOperation.Read, value, done);
            }

            BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
            bytes[..part.Length].CopyTo(part);
        }
    }

    /// <summary>Writes a range.</summary>
    public void WriteBytes(uint linear, scoped ReadOnlySpan<byte> source)
    {
        if (!IsReplayed(BiosOperation.Write, out _))
        {
            Done(BiosOperation.Write, 0, Mmu.WriteRange(_s, linear, source));
        }
    }

    /// <summary>The stub waits for an interrupt and calls the service again; it must have changed nothing.</summary>
    public readonly void Wait() => LazyFlags.SetCF(_s, true);

    /// <summary>The service instruction runs again next; it has taken the time of one instruction, and interrupts are looked at in between.</summary>
    public readonly void Again() => _s->Eip -= CpuCore.ServiceLength;

    /// <summary>CF in the live flags, which the code around the service instruction tests.</summary>
    /// <param name="value">The flag.</param>
    public readonly void SetLiveCarry(bool value) => LazyFlags.SetCF(_s, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly ref ushort Word(int index) => ref *(ushort*)(_s->Gpr + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly ref byte Low(int index) => ref *(byte*)(_s->Gpr + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly ref byte High(int index) => ref *((byte*)(_s->Gpr + index) + 1);

    private readonly void SetSegment(int index, ushort selector)
    {
        if (CpuMode.IsV86(_s))
        {
            Segmentation.SetV86(_s, index, selector);
        }
        else if (CpuMode.IsReal(_s))
        {
            Segmentation.SetReal(_s, index, selector);
        }

        CpuMode.Update(_s);
    }

    /// <summary>Whether a recorded call is at a place where it has been before, or is over: the operation must not be done.</summary>
    private bool IsReplayed(BiosOperation operation, out ulong value)
    {
        value = 0;
        if (_record is null || !_record.TryReplay(operation, out value))
        {
            return false;
        }

        Faulted |= _record.IsStopped;
        return true;
    }

    /// <summary>An operation has been done, or has met a page fault.</summary>
    private void Done(BiosOperation operation, ulong value, bool done)
    {
        if (!done)
        {
            Faulted = true;
            _record?.Fault();
        }
        else
        {
            _record?.Append(operation, value);
        }
    }

    private bool Flag(uint flag)
    {
        if (!_hasFrame)
        {
            return (LazyFlags.Read(_s) & flag) != 0;
        }

        return (Read16(_frameFlags) & flag) != 0;
    }

    private void SetFlag(uint flag, bool value)
    {
        if (_hasFrame)
        {
            uint image = Read16(_frameFlags);
            Write16(_frameFlags, (ushort)(value ? image | flag : image & ~flag));
        }
        else
        {
            uint flags = LazyFlags.Read(_s);
            LazyFlags.SetStatus(_s, value ? flags | flag : flags & ~flag);
        }
    }
}
