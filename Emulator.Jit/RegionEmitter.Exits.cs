using System.Reflection.Emit;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Iced.Intel;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>Ways out of a region: what an exit stores, and the cold stubs behind all blocks.</content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>Ends the region here: EIP, budget given back, status.</summary>
    private void EmitExit(uint eip, int refund, Exit status)
    {
        EmitDeferFlags();
        EmitX87Leave();
        EmitExitPlace(eip, refund);
        _il.Emit(OpCodes.Ldc_I4, (int)status);
        _il.Emit(OpCodes.Stloc, _status);
        _il.Emit(OpCodes.Br, _exit);
    }

    private void EmitExitPlace(uint eip, int refund)
    {
        _il.Emit(OpCodes.Ldc_I4, (int)eip);
        _il.Emit(OpCodes.Stloc, _exitEip);
        EmitRefund(refund);
    }

    private void EmitRefund(int refund)
    {
        if (refund != 0)
        {
            _il.Emit(OpCodes.Ldloc, _budget);
            _il.Emit(OpCodes.Ldc_I4, refund);
            _il.Emit(OpCodes.Conv_I8);
            _il.Emit(OpCodes.Add);
            _il.Emit(OpCodes.Stloc, _budget);
        }
    }

    /// <summary>A cold exit, emitted behind all blocks; it remembers where the flags are now.</summary>
    /// <param name="label">Where it is entered.</param>
    /// <param name="eip">The next instruction.</param>
    /// <param name="refund">Instructions that were paid and not executed.</param>
    /// <param name="missKind">What <see cref="CpuState.MissKind"/> says of it; the address is in its local.</param>
    /// <param name="counted">The instruction, for the counters of exits.</param>
    private void AddExitStub(Label label, uint eip, int refund, int missKind = 0, Code? counted = null)
    {
        X87State x87 = _x87;
        Label exit = DeferringExit();
        _stubs.Add(() =>
        {
            _il.MarkLabel(label);
            _x87 = x87;
            if (counted is { } code)
            {
                if (missKind != 0)
                {
                    EmitCount(code, RegionCounters.Misses);
                }

                EmitCount(code, RegionCounters.Exits);
            }

            if (missKind != 0)
            {
                EmitState(StateLayout.MissKind);
                _il.Emit(OpCodes.Ldc_I4, missKind);
                _il.Emit(OpCodes.Stind_I4);
                EmitState(StateLayout.MissLinear);
                EmitAddress32();
                _il.Emit(OpCodes.Stind_I4);
            }

            EmitX87Leave();
            EmitExitPlace(eip, refund);
            _il.Emit(OpCodes.Br, exit);
        });
    }

    /// <summary>The exit behind a piece of code that leaves the flags as they are now; all exits with the same flags share it.</summary>
    private Label DeferringExit()
    {
        FlagState flags = Flags;
        if (flags.Kind is FlagKind.InState or FlagKind.Deferred)
        {
            return _leave;
        }

        if (_deferringExit.Version != _flagsVersion)
        {
            Label label = _il.DefineLabel();
            _deferringExit = (_flagsVersion, label);
            _stubs.Add(() =>
            {
                _il.MarkLabel(label);
                Flags = flags;
                EmitDeferFlags();
                _il.Emit(OpCodes.Br, _leave);
            });
        }

        return _deferringExit.Label;
    }

    /// <summary>Label of a cold exit in front of the current instruction; in the first copy of a run the second copy.</summary>
    /// <param name="missKind">What <see cref="CpuState.MissKind"/> says of it; the address is in its local.</param>
    private Label MissStub(int missKind = 0)
    {
        if (_run is not null)
        {
            return _run.Failed;
        }

        Label label = _il.DefineLabel();
        AddExitStub(label, _eip, _block.Ops.Length - _index, missKind, (Code)_block.Ops[_index].Code);
        return label;
    }
}
