using System.Buffers.Binary;
using Emulator.Core.Cpu;
using Emulator.Core.Snapshot;

namespace Emulator.Devices.Firmware.Bios;

/// <summary>A call of a service in virtual-8086 mode: how it was entered, and what it has done so far (see <see cref="BiosPorts"/>).</summary>
internal sealed unsafe class BiosCallRecord
{
    private const int OperationSize = 9;

    private readonly uint[] _registers = new uint[8];
    private byte[] _operations = [];
    private ulong[] _values = [];
    private int _count;
    private ushort _es;
    private ushort _cs;
    private uint _eip;
    private uint _stack;
    private uint _cr3;
    private bool _carry;
    private byte _service;
    private byte _size = 1;
    private bool _isWrite;
    private bool _isWaiting;
    private bool _isAnswered;
    private long _order;

    /// <summary>When it began, in calls; 0 for none.</summary>
    public long Order => _order;

    /// <summary>Its service.</summary>
    public int Service => _service;

    /// <summary>Whether a monitor has to do an access for it.</summary>
    public bool IsWaiting => _isWaiting;

    /// <summary>Bytes of that access.</summary>
    public int Size => _size;

    /// <summary>Whether that access is an OUT.</summary>
    public bool IsWrite => _isWrite;

    /// <summary>Whether that access is recorded already.</summary>
    public bool IsAnswered
    {
        get => _isAnswered;
        set => _isAnswered = value;
    }

    /// <summary>Number of recorded operations.</summary>
    public int Count => _count;

    /// <summary>Forgets the call.</summary>
    public void Clear()
    {
        _count = 0;
        _isWaiting = false;
        _isAnswered = false;
        _order = 0;
    }

    /// <summary>A call begins; EIP is behind its service instruction.</summary>
    public void Begin(CpuState* s, byte service, long order)
    {
        Clear();
        _order = order;
        _service = service;
        for (int i = 0; i < 8; i++)
        {
            _registers[i] = CpuState.R32(s, i);
        }

        _es = CpuState.Segment(s, SegmentIndex.Es)->Selector;
        _cs = CpuState.Segment(s, SegmentIndex.Cs)->Selector;
        _eip = s->Eip;
        _stack = Stack(s);
        _cr3 = s->Cr3;
        _carry = LazyFlags.CF(s);
    }

    /// <summary>Whether the code that runs belongs to this call: the same stack in the same address space.</summary>
    public bool Belongs(CpuState* s) => CpuMode.IsV86(s) && Stack(s) == _stack && s->Cr3 == _cr3;

    /// <summary>Puts the registers as they were when it began, and the CPU behind its service instruction.</summary>
    public void Restore(CpuState* s)
    {
        for (int i = 0; i < 8; i++)
        {
            CpuState.R32(s, i) = _registers[i];
        }

        Segmentation.SetV86(s, SegmentIndex.Cs, _cs);
        s->Eip = _eip;
        LazyFlags.SetCF(s, _carry);
        RestoreExtra(s);
    }

    /// <summary>Puts ES as it was when the call began.</summary>
    public void RestoreExtra(CpuState* s)
    {
        Segmentation.SetV86(s, SegmentIndex.Es, _es);
        CpuMode.Update(s);
    }

    /// <summary>The call waits for an access, with the registers of its beginning.</summary>
    public void Wait(CpuState* s, int size, bool isWrite)
    {
        Restore(s);
        _size = (byte)size;
        _isWrite = isWrite;
        _isWaiting = true;
        _isAnswered = false;
    }

    /// <summary>Adds an operation.</summary>
    public void Add(BiosOperation operation, ulong value)
    {
        if (_count == _operations.Length)
        {
            const int First = 256;
            Array.Resize(ref _operations, Math.Max(First, 2 * _count));
            Array.Resize(ref _values, _operations.Length);
        }

        _operations[_count] = (byte)operation;
        _values[_count] = value;
        _count++;
    }

    /// <summary>Whether an operation is of a kind, and its value.</summary>
    public bool Is(int index, BiosOperation operation, out ulong value)
    {
        value = _values[index];
        return _operations[index] == (byte)operation;
    }

    /// <summary>Saves or loads it.</summary>
    public void Serialize(StateArchive archive, string name, int mostOperations)
    {
        archive.Field(name + "order", ref _order);
        archive.Array<uint>(name + "registers", _registers);
        archive.Field(name + "es", ref _es);
        archive.Field(name + "cs", ref _cs);
        archive.Field(name + "eip", ref _eip);
        archive.Field(name + "stack", ref _stack);
        archive.Field(name + "cr3", ref _cr3);
        archive.Field(name + "carry", ref _carry);
        archive.Field(name + "service", ref _service);
        archive.Field(name + "size", ref _size);
        archive.Field(name + "write", ref _isWrite);
        archive.Field(name + "waiting", ref _isWaiting);
        archive.Field(name + "answered", ref _isAnswered);
        archive.Check(_size is 1 or 2 or 4, name + "size");
        archive.Check(_order >= 0 && _eip <= 0xFFFF, name + "eip");
        byte[] operations = archive.IsLoading ? [] : Pack();
        archive.Variable(name + "operations", ref operations, OperationSize * (mostOperations + 1));
        archive.Check(operations.Length % OperationSize == 0, name + "operations");
        if (archive.IsLoading)
        {
            _count = 0;
            for (int at = 0; at < operations.Length; at += OperationSize)
            {
                Add((BiosOperation)operations[at], BinaryPrimitives.ReadUInt64LittleEndian(operations.AsSpan(at + 1)));
            }
        }
    }

    private static uint Stack(CpuState* s) => CpuState.Segment(s, SegmentIndex.Ss)->Base + (ushort)CpuState.R32(s, 4);

    private byte[] Pack()
    {
        byte[] operations = new byte[_count * OperationSize];
        for (int i = 0; i < _count; i++)
        {
            Span<byte> operation = operations.AsSpan(i * OperationSize, OperationSize);
            operation[0] = _operations[i];
            BinaryPrimitives.WriteUInt64LittleEndian(operation[1..], _values[i]);
        }

        return operations;
    }
}
