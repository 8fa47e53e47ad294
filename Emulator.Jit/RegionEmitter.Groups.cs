using System.Reflection.Emit;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Core.Memory;
using Iced.Intel;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>
/// One look at a window for several accesses: fields of a structure, slots of a stack frame. In front of a stretch of instructions each group
/// of accesses that lie near each other, whatever the registers hold, is looked at as a whole; then they need no more than the host address
/// of the first of its bytes, in a local. When a group straddles pages or is no hit, nothing has happened yet, and a second copy of the
/// stretch, out of line, looks at each access.
/// </content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>Looks at windows that a stretch must save: the second copy costs compile time.</summary>
    private const int LeastSaved = 3;

    /// <summary>Most instructions in a stretch for each look saved.</summary>
    private const int MostForEach = 6;

    /// <summary>Most bytes of a group: wide ones would often straddle pages.</summary>
    private const int MostGroupBytes = 256;

    private const int NoRegister = -1;

    /// <summary>The stretch whose groups were looked at, null outside of one and in its second copy.</summary>
    private AccessStretch? _stretch;

    private int _stretchAccess;

    /// <summary>
    /// The stretches of a block, in order: of integer instructions in loops only, in blocks with SSE instructions as <see cref="FindFloatStretch"/>
    /// finds them, nowhere beside the x87. The fuzzer's have them wherever they are possible.
    /// </summary>
    /// <param name="block">The block.</param>
    /// <param name="from">Its first instruction that stretches may contain.</param>
    private List<AccessStretch> FindStretches(RegionBlock block, int from)
    {
        List<AccessStretch> stretches = [];
        bool hasSimd = Array.Exists(block.Ops, o => SimdRows.ContainsKey((Code)o.Code));
        if (_hasX87 || (!hasSimd && (_windows.Count == 0 || (_flow.WeightOf(block) == 1 && !_modes.HasFlag(EmitModes.Unoptimized)))))
        {
            return stretches;
        }

        for (int i = from; i < block.Ops.Length;)
        {
            AccessStretch? stretch = hasSimd ? FindFloatStretch(block, i) : FindStretch(block, i);
            if (stretch is not null)
            {
                stretches.Add(stretch);
            }

            i = stretch?.End ?? (i + 1);
        }

        return stretches;
    }

    /// <summary>The stretch that starts at an instruction, or null.</summary>
    private AccessStretch? FindStretch(RegionBlock block, int start)
    {
        int?[] moved = [0, 0, 0, 0, 0, 0, 0, 0];
        Dictionary<int, AccessGroup> groups = [];
        List<GroupedAccess> accesses = [];
        for (int i = start; i < block.Ops.Length && CanRepeat(in block.Ops[i], out Shape shape); i++)
        {
            ref Op op = ref block.Ops[i];
            FindAccesses(block, i, shape, moved, groups, accesses);
            if (accesses.Count == 0 || !accesses[0].IsMember)
            {
                // The next instruction may start one.
                return null;
            }

            Move(in op, shape, moved);
        }

        HashSet<int> kept = KeptGroups(accesses);
        int saved = accesses.Count(a => a.IsMember && kept.Contains(a.Window)) - kept.Count;
        if (saved < (_modes.HasFlag(EmitModes.Unoptimized) ? 1 : LeastSaved))
        {
            return null;
        }

        int end = accesses.FindLast(a => a.IsMember && kept.Contains(a.Window)).Index + 1;
        return end - start > MostForEach * saved
            ? null
            : new AccessStretch(start, end, [.. groups.Values.Where(g => kept.Contains(g.Window)).OrderBy(g => g.Window)], [.. accesses.Where(a => a.Index < end)]);
    }

    /// <summary>Windows of the groups of more than one access.</summary>
    private static HashSet<int> KeptGroups(List<GroupedAccess> accesses) => [.. accesses.Where(a => a.IsMember).GroupBy(a => a.Window).Where(g => g.Count() > 1).Select(g => g.Key)];

    /// <summary>Whether an instruction may be part of a stretch: its code leaves the region only in front of it, and its accesses are known.</summary>
    private bool CanRepeat(in Op op, out Shape shape)
    {
        Code code = (Code)op.Code;
        if (!Shapes.TryGetValue(code, out shape) || Lowering.Classify(code) != LoweringKind.Lower || EndOf(in op) != BranchKind.None)
        {
            return false;
        }

        return IsPure(in op) || shape.Family switch
        {
            Family.Alu or Family.Unary or Family.Move or Family.MoveZero or Family.MoveSign => true,
            Family.Push => StackSegment == NoSegment && IsStack32,
            Family.Pop => StackSegment == NoSegment && IsStack32 && !HasMemory(in op),
            _ => false,
        };
    }

    /// <summary>Adds the accesses of an instruction, in the order in which they are emitted, to the stretch, and those that are near others to their groups.</summary>
    private void FindAccesses(RegionBlock block, int index, Shape shape, int?[] moved, Dictionary<int, AccessGroup> groups, List<GroupedAccess> accesses)
    {
        ref readonly Op op = ref block.Ops[index];
        Code code = (Code)op.Code;
        if (HasMemory(in op) && !IsAddressOnly(code))
        {
            FindAccess(block, index, shape.Family is Family.MoveZero or Family.MoveSign ? shape.Source : shape.Size, WritesMemory(code), moved, groups, accesses);
        }

        if (UsesStack(code))
        {
            int? top = shape.Family == Family.Push ? moved[4] - shape.Size : moved[4];
            AddAccess(index, _windows.Find(RegionWindows.StackKeyIn(StackSegment, !IsStack32), write: true), 4, top, shape.Size, groups, accesses);
        }
    }

    /// <summary>Adds the memory operand of an instruction.</summary>
    private void FindAccess(RegionBlock block, int index, int size, bool write, int?[] moved, Dictionary<int, AccessGroup> groups, List<GroupedAccess> accesses)
    {
        ref readonly Op op = ref block.Ops[index];
        int register = op.Base == CpuState.ZeroOffset ? NoRegister : op.Base >> 3;
        int? delta = op.Index != CpuState.ZeroOffset || (op.Flags & (OpFlags.General | OpFlags.Address16)) != 0 ? null
            : register == NoRegister ? 0 : moved[register];
        AddAccess(index, IsTableAccess(block, index) ? -1 : _windows.Find(RegionWindows.KeyOf(in op), write), register, delta + (int)op.Disp, size, groups, accesses);
    }

    private static void AddAccess(int index, int window, int register, int? offset, int size, Dictionary<int, AccessGroup> groups, List<GroupedAccess> accesses)
    {
        bool isMember = false;
        if (window >= 0 && offset is { } first)
        {
            AccessGroup group = groups.GetValueOrDefault(window, new AccessGroup(window, register, first, size));
            long low = Math.Min(group.First, first);
            long bytes = Math.Max((long)group.First + group.Size, (long)first + size) - low;
            isMember = group.Register == register && bytes <= MostGroupBytes;
            groups[window] = isMember ? group with { First = (int)low, Size = (int)bytes } : group;
        }

        accesses.Add(new GroupedAccess(index, isMember, window, offset ?? 0));
    }

    /// <summary>What an instruction does to registers that addresses are relative to.</summary>
    private static void Move(in Op op, Shape shape, int?[] moved)
    {
        bool writesMemory = HasMemory(in op) && WritesMemory((Code)op.Code);
        switch (shape.Family)
        {
            case Family.Nop:
            case Family.Alu when shape.Operation is "Cmp" or "Test":
            case Family.Alu or Family.Unary or Family.Move when writesMemory:
                return;
            case Family.Push:
                moved[4] -= shape.Size;
                return;
            case Family.Pop:
                moved[4] += shape.Size;
                moved[op.R0 >> 3] = null;
                return;
            case Family.Alu when shape.Size == 4 && shape.Form == Form.RmImm && shape.Operation is "Add" or "Sub":
                moved[op.R0 >> 3] += shape.Operation == "Add" ? (int)op.Imm : -(int)op.Imm;
                return;
            case Family.Lea when shape.Size == 4 && op.Base == op.R0 && op.Index == CpuState.ZeroOffset && (op.Flags & OpFlags.Address16) == 0:
                moved[op.R0 >> 3] += (int)op.Disp;
                return;
            case Family.Alu or Family.Unary or Family.Move or Family.MoveZero or Family.MoveSign or Family.Lea:
                moved[op.R0 >> 3] = null;
                return;
            default:
                // The stack pointer is in the list of every instruction.
                foreach (int register in WrittenRegisters(in op).Skip(1))
                {
                    moved[register] = null;
                }

                return;
        }
    }

    private void EmitStretchStart(AccessStretch stretch)
    {
        if (IsLoweredSimd(in _block.Ops[_index], out SimdRow? row))
        {
            EmitNeeds(row!.Needs);
        }

        Label slow = _il.DefineLabel();
        foreach (AccessGroup group in stretch.Groups)
        {
            (LocalBuilder linear, LocalBuilder addend) = _windowLocals[group.Window];
            Label outside = _il.DefineLabel();
            Label inside = _il.DefineLabel();
            _il.Emit(OpCodes.Ldc_I4, group.First);
            if (group.Register != NoRegister)
            {
                _il.Emit(OpCodes.Ldloc, _r[group.Register]);
                _il.Emit(OpCodes.Add);
            }

            EmitStoreAddress();
            _il.Emit(OpCodes.Ldloc, _address);
            _il.Emit(OpCodes.Ldloc, linear);
            _il.Emit(OpCodes.Sub);
            _il.Emit(OpCodes.Ldc_I4, (int)PhysicalMemory.PageSize - group.Size);
            _il.Emit(OpCodes.Conv_I8);
            _il.Emit(OpCodes.Bgt_Un, outside);
            _il.MarkLabel(inside);
            _il.Emit(OpCodes.Ldloc, addend);
            _il.Emit(OpCodes.Ldloc, _address);
            _il.Emit(OpCodes.Add);
            LocalBuilder host = _il.DeclareLocal(typeof(nint));
            _il.Emit(OpCodes.Stloc, host);
            stretch.Hosts[group.Window] = host;
            bool write = _windows.IsForWrites(group.Window);
            _stubs.Add(() => EmitMoveWindow(linear, addend, group.Size, write, mayRead: false, outside, inside, slow));
        }

        _lowOf = -1;
        Label join = _il.DefineLabel();
        RegionBlock block = _block;
        FlagState flags = Flags;
        uint eip = _eip;
        foreach (FloatRun run in stretch.Runs)
        {
            run.Second = _il.DefineLabel();
        }

        SimdLanes[] ordered = [.. _ordered];
        SimdNeeds looked = _checked;
        _stubs.Add(() =>
        {
            ordered.CopyTo(_ordered, 0);
            _checked = looked;
            EmitSecondCopy(stretch, block, flags, eip, slow, join);
        });
        _stretch = stretch;
        _stretchAccess = 0;
        stretch.Join = join;
    }

    private void EmitStretchEnd()
    {
        AccessStretch stretch = _stretch!;
        if (_stretchAccess != stretch.Accesses.Count)
        {
            throw new InvalidOperationException($"{_stretchAccess} accesses were emitted in front of {_eip:X8}, {stretch.Accesses.Count} were found");
        }

        _il.MarkLabel(stretch.Join);
        _lowOf = -1;
        stretch.Flags = Flags;
        _stretch = null;
    }

    private void EmitSecondCopy(AccessStretch stretch, RegionBlock block, FlagState flags, uint eip, Label slow, Label join)
    {
        _block = block;
        _eip = eip;
        _x87 = X87State.AtEntry(0);
        _lowOf = -1;
        Flags = flags;
        _il.MarkLabel(slow);
        _isSecondLookOnly = true;
        for (_index = stretch.Start; _index < stretch.End; _index++)
        {
            if (stretch.Runs.FirstOrDefault(r => r.Start == _index) is { } run)
            {
                _lowOf = -1;
                _il.MarkLabel(run.Second);
            }

            ref Op op = ref block.Ops[_index];
            EmitRepeated(in op);
            _eip += op.Length;
        }

        _isSecondLookOnly = false;
        if (Flags != stretch.Flags)
        {
            throw new InvalidOperationException($"the copies of the code at {eip:X8} leave different flags");
        }

        _il.Emit(OpCodes.Br, join);
    }

    /// <summary>Emits an instruction of a stretch.</summary>
    private void EmitRepeated(in Op op)
    {
        NoteInstruction(in op);
        if (!LowerInstruction(in op))
        {
            throw new InvalidOperationException($"the instruction at {_eip:X8} has no lowering");
        }

        ForgetLow(in op);
    }

    /// <summary>Pops an address and pushes the host address, when the access belongs to a group that was looked at.</summary>
    private bool EmitGrouped(int window)
    {
        if (_stretch is null)
        {
            return false;
        }

        GroupedAccess access = _stretch.Accesses[_stretchAccess++];
        if (access.Index != _index || access.Window != window)
        {
            throw new InvalidOperationException($"an access at {_eip:X8} that was not found");
        }

        if (!access.IsMember || !_stretch.Hosts.TryGetValue(window, out LocalBuilder? host))
        {
            return false;
        }

        _il.Emit(OpCodes.Pop);
        _il.Emit(OpCodes.Ldloc, host);
        int offset = access.Offset - _stretch.Groups.First(g => g.Window == window).First;
        if (offset != 0)
        {
            _il.Emit(OpCodes.Ldc_I4, offset);
            _il.Emit(OpCodes.Add);
        }

        return true;
    }

    /// <summary>Accesses of a stretch that lie near each other.</summary>
    /// <param name="Window">Their window.</param>
    /// <param name="Register">What their addresses are relative to, as it is in front of the stretch; -1 for none.</param>
    /// <param name="First">Lowest byte, relative to the register.</param>
    /// <param name="Size">Bytes from there to behind the highest.</param>
    private sealed record AccessGroup(int Window, int Register, int First, int Size);

    /// <summary>An access of a stretch.</summary>
    /// <param name="Index">Its instruction.</param>
    /// <param name="IsMember">Whether it belongs to its window's group.</param>
    /// <param name="Window">Its window, or -1.</param>
    /// <param name="Offset">Of a member, from the group's register.</param>
    private readonly record struct GroupedAccess(int Index, bool IsMember, int Window, int Offset);

    /// <summary>Instructions of a block that are emitted twice: for when all groups are hits, and for when one is not.</summary>
    /// <param name="Start">The first one.</param>
    /// <param name="End">One behind the last.</param>
    /// <param name="Groups">The groups.</param>
    /// <param name="Accesses">All accesses, in the order in which they are emitted.</param>
    private sealed record AccessStretch(int Start, int End, IReadOnlyList<AccessGroup> Groups, IReadOnlyList<GroupedAccess> Accesses)
    {
        /// <summary>Host address of each group's first byte, by window.</summary>
        public Dictionary<int, LocalBuilder> Hosts { get; } = [];

        /// <summary>Its runs of SSE arithmetic.</summary>
        public List<FloatRun> Runs { get; init; } = [];

        /// <summary>Where the copies meet.</summary>
        public Label Join { get; set; }

        /// <summary>The flags there.</summary>
        public FlagState Flags { get; set; }
    }
}
